from dacl_mm.benchmarks.timing import interleave


def test_jobs_take_turns_in_changing_order_and_a_first_round_warms_up():
    calls = []

    def job(name):
        calls.append(name)
        return len(calls)

    found = interleave({name: lambda name=name: job(name) for name in 'abc'}, 3)
    assert ''.join(calls) == 'abccbaabccba'
    assert found == dict(a=[6, 7, 12], b=[5, 8, 11], c=[4, 9, 10])
