default_scope = 'mmpretrain'
custom_imports = dict(imports=['dacl_mm'], allow_failed_imports=False)
runner_type = 'FERRunner'  # dumps of config and hooks go to the log file alone

# Its greatest value on the validation part selects the best epoch, everywhere.
selection_metric = 'accuracy/top1'
default_hooks = dict(
    runtime_info=dict(type='DeferredInfoHook'),
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        type='AtomicCheckpointHook',
        interval=1,
        max_keep_ckpts=1,
    ),
    non_finite=dict(type='NonFiniteHook', action='stop'),
    # Between them by the clock, and at SIGTERM or Ctrl-C.
    autosave=dict(type='AutosaveHook', minutes=10),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='VisualizationHook', enable=False),
)
custom_hooks = [
    dict(type='ChannelsLastHook'),
    dict(type='AugmentationSeedHook'),
    dict(type='UnreadableImagesHook'),
    dict(type='ClassNumCheckHook'),
    dict(type='CenterUpdateHook'),
    dict(type='GlobalBatchHook'),
    dict(type='ClassPriorHook'),
    dict(type='ClassMeansHook'),
    dict(type='LossRampHook'),
    dict(type='RelabelHook'),
    dict(type='CenterMonitorHook', interval=50),
    dict(type='ReportHook'),
    dict(type='PlainCheckpointHook'),
    dict(type='RunSummaryHook'),
    dict(type='SyncBuffersHook'),
]

# 'gpu' is mmengine's word for whatever processes communicate by; 'cpu' is files in the current folder.
val_evaluator = [dict(type='Accuracy', topk=(1,), collect_device='gpu'), dict(type='FERMetric')]
test_evaluator = val_evaluator

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    # Seconds: the first process looks at a new data set, and the others wait.
    dist_cfg=dict(backend='nccl', timeout=7200),
)
sync_bn = 'torch'  # several GPUs normalise by the statistics of all their images, as one would
vis_backends = [dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend')]
visualizer = dict(type='UniversalVisualizer', vis_backends=vis_backends)

log_processor = dict(type='ShortLogProcessor')
log_level = 'INFO'
load_from = None
resume = False
randomness = dict(seed=0, deterministic=False)
