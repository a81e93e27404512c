# Trained by mmdet: config and weights of its model zoo, box AP 44.3 by its own account.
teacher = dict(
    config='mmdet::deformable_detr/deformable-detr_r50_16xb2-50e_coco.py',
    checkpoint='https://download.openmmlab.com/mmdetection/v3.0/deformable_detr/deformable-detr_r50_16xb2-50e_coco/deformable-detr_r50_16xb2-50e_coco_20221029_210934-6bc7d21b.pth',
)
