"""The detector families that docs/detection.md speaks of, each by a config of mmdet's zoo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ['FAMILIES', 'Family', 'choose']


@dataclass(frozen=True)
class Family:
    """A detector.

    Attributes:
        name: what the table and ``--only`` call it.
        group: ``'two-stage'``, ``'one-stage'`` or ``'queries'``.
        config: its config in mmdet, below ``mmdet::``.
    """

    name: str
    group: str
    config: str


_CONFIGS = {
    'two-stage': {
        'Faster R-CNN': 'faster_rcnn/faster-rcnn_r50_fpn_1x_coco',
        'Mask R-CNN': 'mask_rcnn/mask-rcnn_r50_fpn_1x_coco',
        'Cascade R-CNN': 'cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco',
        'Cascade Mask R-CNN': 'cascade_rcnn/cascade-mask-rcnn_r50_fpn_1x_coco',
        'Dynamic R-CNN': 'dynamic_rcnn/dynamic-rcnn_r50_fpn_1x_coco',
        'Mask Scoring R-CNN': 'ms_rcnn/ms-rcnn_r50_fpn_1x_coco',
        'Libra Faster R-CNN': 'libra_rcnn/libra-faster-rcnn_r50_fpn_1x_coco',
        'SABL Faster R-CNN': 'sabl/sabl-faster-rcnn_r50_fpn_1x_coco',
        'PointRend': 'point_rend/point-rend_r50-caffe_fpn_ms-1x_coco',
        'Double-Head R-CNN': 'double_heads/dh-faster-rcnn_r50_fpn_1x_coco',
        'HTC': 'htc/htc-without-semantic_r50_fpn_1x_coco',
        'SCNet': 'scnet/scnet_r50_fpn_1x_coco',
        'Sparse R-CNN': 'sparse_rcnn/sparse-rcnn_r50_fpn_1x_coco',
        'QueryInst': 'queryinst/queryinst_r50_fpn_1x_coco',
        'CrowdDet': 'crowddet/crowddet-rcnn_r50_fpn_8xb2-30e_crowdhuman',
        'PISA Faster R-CNN': 'pisa/faster-rcnn_r50_fpn_pisa_1x_coco',
        'Grid R-CNN': 'grid_rcnn/grid-rcnn_r50_fpn_gn-head_1x_coco',
        'TridentNet': 'tridentnet/tridentnet_r50-caffe_1x_coco',
        'Faster R-CNN with OHEM': 'faster_rcnn/faster-rcnn_r50_fpn_ohem_1x_coco',
    },
    'one-stage': {
        'RetinaNet': 'retinanet/retinanet_r50_fpn_1x_coco',
        'FCOS': 'fcos/fcos_r50-caffe_fpn_gn-head_1x_coco',
        'NAS-FCOS': 'nas_fcos/nas-fcos_r50-caffe_fpn_nashead-gn-head_4xb4-1x_coco',
        'ATSS': 'atss/atss_r50_fpn_1x_coco',
        'GFL': 'gfl/gfl_r50_fpn_1x_coco',
        'VFNet': 'vfnet/vfnet_r50_fpn_1x_coco',
        'PAA': 'paa/paa_r50_fpn_1x_coco',
        'TOOD': 'tood/tood_r50_fpn_1x_coco',
        'RTMDet': 'rtmdet/rtmdet_s_8xb32-300e_coco',
        'YOLOX': 'yolox/yolox_s_8xb8-300e_coco',
        'FSAF': 'fsaf/fsaf_r50_fpn_1x_coco',
        'FreeAnchor': 'free_anchor/freeanchor_r50_fpn_1x_coco',
        'PISA RetinaNet': 'pisa/retinanet-r50_fpn_pisa_1x_coco',
        'DDOD': 'ddod/ddod_r50_fpn_1x_coco',
        'AutoAssign': 'autoassign/autoassign_r50-caffe_fpn_1x_coco',
        'SABL RetinaNet': 'sabl/sabl-retinanet_r50_fpn_1x_coco',
        'RepPoints': 'reppoints/reppoints-moment_r50_fpn_1x_coco',
        'FoveaBox': 'foveabox/fovea_r50_fpn_4xb4-1x_coco',
        'YOLOF': 'yolof/yolof_r50-c5_8xb8-1x_coco',
        'GA-RetinaNet': 'guided_anchoring/ga-retinanet_r50_fpn_1x_coco',
        'SSD': 'ssd/ssd300_coco',
        'YOLACT': 'yolact/yolact_r50_1xb8-55e_coco',
        'YOLOv3': 'yolo/yolov3_d53_8xb8-320-273e_coco',
        'CenterNet': 'centernet/centernet_r18_8xb16-crop512-140e_coco',
        'CornerNet': 'cornernet/cornernet_hourglass104_8xb6-210e-mstest_coco',
        'RTMDet-Ins': 'rtmdet/rtmdet-ins_s_8xb32-300e_coco',
        'CondInst': 'condinst/condinst_r50_fpn_ms-poly-90k_coco_instance',
        'BoxInst': 'boxinst/boxinst_r50_fpn_ms-90k_coco',
    },
    'queries': {
        'DETR': 'detr/detr_r50_8xb2-150e_coco',
        'Conditional DETR': 'conditional_detr/conditional-detr_r50_8xb2-50e_coco',
        'DAB-DETR': 'dab_detr/dab-detr_r50_8xb2-50e_coco',
        'Deformable DETR': 'deformable_detr/deformable-detr_r50_16xb2-50e_coco',
        'DINO': 'dino/dino-4scale_r50_8xb2-12e_coco',
        'DDQ': 'ddq/ddq-detr-4scale_r50_8xb2-12e_coco',
    },
}

FAMILIES = tuple(
    Family(name, group, f'mmdet::{config}.py')
    for group, configs in _CONFIGS.items()
    for name, config in configs.items()
)


def choose(names: Sequence[str] | None) -> list[Family]:
    """Return the families with these names, upper or lower case, in the order of the table.

    Args:
        names: None for all.

    Raises:
        ValueError: a name that is none of :data:`FAMILIES`.
    """
    if names is None:
        return list(FAMILIES)
    wanted = {name.lower() for name in names}
    unknown = wanted - {family.name.lower() for family in FAMILIES}
    if unknown:
        raise ValueError(
            f'no such detectors: {sorted(unknown)}; there are {[f.name for f in FAMILIES]}'
        )
    return [family for family in FAMILIES if family.name.lower() in wanted]
