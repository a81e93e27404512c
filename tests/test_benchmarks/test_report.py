import json

import torch

from mmlogitkd.benchmarks import Column, Report


def test_report_is_saved_as_table_and_as_data(tmp_path):
    report = Report(
        'Losses',
        {'rounds': 3},
        [
            Column('Loss', lambda row: row['loss'], number=False),
            Column('ms', lambda row: f'{row["seconds"] * 1e3:.1f}'),
        ],
    )
    report.rows.append({'loss': 'KD', 'seconds': 0.0123})
    data, text = report.save(tmp_path / 'new', 'losses')
    content = json.loads(data.read_text())
    assert content['rows'] == report.rows
    assert content['settings'] == {'rounds': 3}
    assert content['environment']['torch'] == torch.__version__
    assert text.read_text() == ('# Losses\n\n| Loss | ms |\n| :-- | --: |\n| KD | 12.3 |\n')
    assert report.table().row_count == 1
