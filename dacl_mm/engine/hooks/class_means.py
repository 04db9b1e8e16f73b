"""When learned centres are set to the class means."""

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS

from dacl_mm.errors import UserError
from dacl_mm.models.centers import ClassCenters

#: What keeps weight decay off the centres, in a config.
NO_DECAY = 'optim_wrapper.paramwise_cfg.custom_keys.centers.decay_mult'


@HOOKS.register_module()
class ClassMeansHook(Hook):
    """Set learned class centres to the class means at the end of the first epoch.

    A model without :class:`~dacl_mm.models.centers.ClassCenters` is left alone, so that one runtime
    config serves every method.
    """

    # Before EMA, validation and checkpoints.
    priority = 'ABOVE_NORMAL'

    def before_train(self, runner: Runner) -> None:
        """Begin to collect the means.

        Raises:
            UserError: If weight decay pulls the centres to 0.
        """
        self._centers = [m for m in runner.model.modules() if isinstance(m, ClassCenters)]
        own = {id(p) for centers in self._centers for p in centers.parameters()}
        for group in runner.optim_wrapper.param_groups:
            if group.get('weight_decay') and any(id(p) in own for p in group['params']):
                raise UserError(
                    f'weight decay ({group["weight_decay"]:g}) would pull the class centres to 0, rare '
                    f'ones first: set {NO_DECAY}=0.0 (in a comparison among the options of the method)'
                )
        for centers in self._centers:
            centers.collecting = runner.epoch == 0

    def after_train_epoch(self, runner: Runner) -> None:
        for centers in self._centers:
            if centers.collecting:
                centers.set_to_means()
                centers.collecting = False
