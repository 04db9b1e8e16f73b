"""When doubtful labels are corrected."""

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS

from dacl_mm.models.heads.self_cure_head import SelfCureHead


@HOOKS.register_module()
class RelabelHook(Hook):
    """Let :class:`~dacl_mm.models.heads.SelfCureHead` correct labels from its epoch on.

    The corrected labels are in the model's checkpoints, so that a resumed run goes on with them. Several
    processes bring theirs together at the end of an epoch; an image corrected by more than one of them
    takes the larger class index. A model without such a head is left alone, so that one runtime
    config serves every method.
    """

    # Before checkpoints and SyncBuffersHook.
    priority = 'ABOVE_NORMAL'

    def before_run(self, runner: Runner) -> None:
        """Make room for the labels before a checkpoint that holds some is loaded."""
        self._heads = [
            m for m in runner.model.modules() if isinstance(m, SelfCureHead) and m.relabel_epoch is not None
        ]
        for head in self._heads:
            head.corrected.make_room(len(runner.train_dataloader.dataset))

    def before_train_epoch(self, runner: Runner) -> None:
        for head in self._heads:
            head.relabelling = runner.epoch >= head.relabel_epoch

    def after_train_epoch(self, runner: Runner) -> None:
        for head in self._heads:
            if head.relabelling:
                count = head.corrected.gather()
                runner.logger.info(f'{count} of {len(head.corrected)} labels have been corrected')
