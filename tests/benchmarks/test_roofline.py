import pytest
import torch

from dacl_mm.benchmarks.machine import Machine
from dacl_mm.benchmarks.roofline import Work, count_work, limit

MACHINE = Machine(float32=100, bfloat16=400, bandwidth=10)


def test_work_of_a_step_and_of_a_prediction():
    n, inputs, outputs = 5, 8, 4
    layer = torch.nn.Linear(inputs, outputs, bias=False)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1, momentum=0.9)
    x = torch.randn(n, inputs)

    def step():
        optimizer.zero_grad()
        layer(x).square().sum().backward()
        optimizer.step()

    step()  # makes the momentum
    weight, product = 4 * inputs * outputs, 2 * n * inputs * outputs
    kept = 4 * n * inputs + 4 * n * outputs  # the input of each of both operations
    # Read twice, its gradient written and read, then read and written with the momentum.
    assert count_work(step, optimizer) == Work(2 * product, 6 * weight + 2 * weight, 2 * kept)

    @torch.no_grad()
    def predict():
        layer(x)

    assert count_work(predict) == Work(product, weight, 0)


@pytest.mark.parametrize(
    ('work', 'narrow', 'expected'),
    [
        (Work(1000, 20, 40), False, (10, 'arithmetic')),
        (Work(1000, 20, 100), False, (12, 'memory bandwidth')),
        (Work(1000, 20, 100), True, (7, 'memory bandwidth')),  # activations of half the size
        (Work(4000, 20, 100), True, (10, 'arithmetic')),
    ],
)
def test_the_slower_side_of_the_roofline_decides(work, narrow, expected):
    assert work.best(MACHINE, narrow) == expected


def test_a_job_outside_operators_waits_for_python(capfd):
    matrix = torch.randn(600, 600)
    assert limit(lambda: [matrix @ matrix for _ in range(10)], 'arithmetic') == 'arithmetic'
    assert limit(lambda: (torch.ones(1), sum(range(10**6))), 'arithmetic') == 'Python'
    assert capfd.readouterr().err == ''
