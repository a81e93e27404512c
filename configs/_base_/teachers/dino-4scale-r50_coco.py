# Trained by mmdet: config and weights of its model zoo, box AP 49.0 by its own account.
teacher = dict(
    config='mmdet::dino/dino-4scale_r50_8xb2-12e_coco.py',
    checkpoint='https://download.openmmlab.com/mmdetection/v3.0/dino/dino-4scale_r50_8xb2-12e_coco/dino-4scale_r50_8xb2-12e_coco_20221202_182705-55b2bba2.pth',
)
