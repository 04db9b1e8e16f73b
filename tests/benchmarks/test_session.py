import torch

from dacl_mm.benchmarks.session import PlainSession, Session
from dacl_mm.models.losses.center_loss import center_losses


def test_a_step_is_the_runners_with_its_hooks(setting):
    session = Session(setting.config(), setting.folder)
    (loss,) = center_losses(session.runner.model)
    centers, weight = loss.centers.clone(), session.runner.model.head.fc.weight.detach().clone()
    session.step()
    assert session.runner.iter == 1 and session.optimizer.state
    assert not torch.equal(loss.centers, centers)
    assert not torch.equal(session.runner.model.head.fc.weight, weight)
    moved = loss.centers.clone()
    session.predict()
    assert torch.equal(loss.centers, moved)


def test_both_sides_train_on_batches_of_one_size(setting):
    plain, session = PlainSession(setting), Session(setting.config(), setting.folder)
    assert plain.images.shape == (4, 3, 32, 32)
    assert session.train_batch['inputs'].shape == plain.images.shape
    assert session.test_batch['inputs'].shape == plain.test_images.shape
