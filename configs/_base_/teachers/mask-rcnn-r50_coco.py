# Trained by mmdet: config and weights of its model zoo, box AP 39.2 by its own account.
teacher = dict(
    config='mmdet::mask_rcnn/mask-rcnn_r50_fpn_2x_coco.py',
    checkpoint='https://download.openmmlab.com/mmdetection/v2.0/mask_rcnn/mask_rcnn_r50_fpn_2x_coco/mask_rcnn_r50_fpn_2x_coco_bbox_mAP-0.392__segm_mAP-0.354_20200505_003907-3e542a40.pth',
)
