# Trained by mmdet: config and weights of its model zoo, box AP 41.0 by its own account.
teacher = dict(
    config='mmdet::cascade_rcnn/cascade-rcnn_r50_fpn_20e_coco.py',
    checkpoint='https://download.openmmlab.com/mmdetection/v2.0/cascade_rcnn/cascade_rcnn_r50_fpn_20e_coco/cascade_rcnn_r50_fpn_20e_coco_bbox_mAP-0.41_20200504_175131-e9872a90.pth',
)
