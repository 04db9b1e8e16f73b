"""Small data sets of drawn faces in every layout that the readers know."""

import csv
import json
from pathlib import Path

import numpy as np
from PIL import Image

from dacl_mm.datasets.readers.affectnet import AffectNet
from dacl_mm.datasets.readers.fer2013 import FER2013
from dacl_mm.datasets.readers.ferplus import FERPlus
from dacl_mm.datasets.readers.folder import FERFolder
from dacl_mm.datasets.readers.rafdb import RAFDB
from dacl_mm.datasets.synthetic.faces import draw_face

SEVEN = ('neutral', 'happiness', 'sadness', 'surprise', 'fear', 'anger', 'disgust')
RAFDB_ORDER = ('surprise', 'fear', 'disgust', 'happiness', 'sadness', 'anger', 'neutral')  # 1..7
AFFECTNET_ORDER = ('neutral', 'happiness', 'sadness', 'surprise', 'fear', 'disgust', 'anger', 'contempt')
FER2013_ORDER = ('anger', 'disgust', 'fear', 'happiness', 'sadness', 'surprise', 'neutral')
FER2013_FOLDERS = ('angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral')
FERPLUS_ORDER = ('neutral', 'happiness', 'surprise', 'sadness', 'anger', 'disgust', 'fear', 'contempt')
COUNTS = {'train': 5, 'test': 2}  # images of a class
SIDE = 48


def samples(part: str) -> list[tuple[int, str]]:
    """(number, expression) of a part's images, classes in turn."""
    return [(i, SEVEN[i % 7]) for i in range(7 * COUNTS[part])]


def image(part: str, number: int, expression: str) -> Image.Image:
    bgr = draw_face(expression, number + (1000 if part == 'test' else 0), SIDE)
    return Image.fromarray(bgr[..., ::-1])


def save(part: str, number: int, expression: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image(part, number, expression).save(path, quality=95)


def rafdb(root: Path) -> None:
    base, lines = root / 'basic', []
    for part, width in (('train', 5), ('test', 4)):
        for i, name in samples(part):
            stem = f'{part}_{i + 1:0{width}d}'
            lines.append(f'{stem}.jpg {RAFDB_ORDER.index(name) + 1}')
            save(part, i, name, base / 'Image' / 'aligned' / f'{stem}_aligned.jpg')
    (base / 'EmoLabel').mkdir()
    (base / 'EmoLabel' / 'list_patition_label.txt').write_text('\n'.join(lines))


def rafdb_mirror(root: Path) -> None:
    for part in COUNTS:
        rows = [('image', 'label')]
        for i, name in samples(part):
            label, file = RAFDB_ORDER.index(name) + 1, f'{part}_{i + 1:05d}_aligned.jpg'
            rows.append((file, label))
            save(part, i, name, root / 'DATASET' / part / str(label) / file)
        write_csv(root / f'{part}_labels.csv', rows)


def affectnet(root: Path) -> None:
    header = ('subDirectory_filePath', 'face_x', 'face_y', 'face_width', 'face_height', 'facial_landmarks',
              'expression', 'valence', 'arousal')  # fmt: skip
    for part, file in (('train', 'training'), ('test', 'validation')):
        rows = [header]
        for i, name in samples(part):
            path = f'{1 + i % 3}/{part}{i}.jpg'
            save(part, i, name, root / 'Manually_Annotated_Images' / path)
            rows.append((path, 0, 0, SIDE, SIDE, '1.0;2.0', AFFECTNET_ORDER.index(name), 0.1, -0.2))
        rows.append(('9/none.jpg', 'NULL', 'NULL', 'NULL', 'NULL', 'NULL', 8, -2, -2))
        write_csv(root / 'Manually_Annotated_file_lists' / f'{file}.csv', rows)


def affectnet_npy(root: Path) -> None:
    for part, folder in (('train', 'train_set'), ('test', 'val_set')):
        (root / folder / 'annotations').mkdir(parents=True)
        for i, name in samples(part):
            save(part, i, name, root / folder / 'images' / f'{i}.jpg')
            label = np.array(str(AFFECTNET_ORDER.index(name)))
            np.save(root / folder / 'annotations' / f'{i}_exp.npy', label)


def affectnet_plus(root: Path) -> None:
    for part, folder in (('train', 'train_set'), ('test', 'validation_set')):
        base = root / 'human_annotated' / folder
        (base / 'annotations').mkdir(parents=True)
        for i, name in samples(part):
            save(part, i, name, base / 'images' / f'{i}.jpg')
            label = AFFECTNET_ORDER.index(name)
            soft = (0.3 * np.eye(8)[(label + 1) % 7] + 0.7 * np.eye(8)[label]).tolist()
            note = {'human-label': label, 'soft-label': soft, 'subset': 0, 'meta-data': {}}
            (base / 'annotations' / f'{i}.json').write_text(json.dumps(note))


def fer2013_rows() -> list[tuple[str, int, str]]:
    """(usage, label, pixels)."""
    rows = []
    for part, usage in (('train', 'Training'), ('test', 'PrivateTest')):
        for i, name in samples(part):
            grey = np.asarray(image(part, i, name).convert('L'))
            rows.append((usage, FER2013_ORDER.index(name), ' '.join(map(str, grey.ravel()))))
    return rows


def fer2013(root: Path) -> None:
    rows = [(label, pixels, usage) for usage, label, pixels in fer2013_rows()]
    write_csv(root / 'fer2013.csv', [('emotion', 'pixels', 'Usage'), *rows])


def fer2013_icml(root: Path) -> None:
    rows = [(label, usage, pixels) for usage, label, pixels in fer2013_rows()]
    write_csv(root / 'icml_face_data.csv', [('emotion', ' Usage', ' pixels'), *rows])


def fer2013_folders(root: Path) -> None:
    for part in COUNTS:
        for i, name in samples(part):
            save(part, i, name, root / part / FER2013_FOLDERS[FER2013_ORDER.index(name)] / f'{i}.png')


def votes(name: str) -> list[int]:
    counts = [0] * 10
    counts[FERPLUS_ORDER.index(name)] = 7
    counts[(FERPLUS_ORDER.index(name) + 1) % 7] = 3
    return counts


def ferplus(root: Path) -> None:
    fer2013(root)
    rows = [('Usage', 'Image name', *FERPLUS_ORDER, 'unknown', 'NF')]
    for part, usage in (('train', 'Training'), ('test', 'PrivateTest')):
        rows += [(usage, f'fer{i:07d}.png', *votes(name)) for i, name in samples(part)]
    write_csv(root / 'fer2013new.csv', rows)


def ferplus_png(root: Path) -> None:
    for part, folder in (('train', 'FER2013Train'), ('test', 'FER2013Test')):
        rows = []
        for i, name in samples(part):
            save(part, i, name, root / 'data' / folder / f'fer{i:07d}.png')
            rows.append((f'fer{i:07d}.png', '(0, 0, 48, 48)', *votes(name)))
        write_csv(root / 'data' / folder / 'label.csv', rows)


def folder(root: Path) -> None:
    for part, name_of_part in (('train', 'train'), ('test', 'valid')):
        for i, name in samples(part):
            save(part, i, name, root / name_of_part / f'{SEVEN.index(name):02d}' / f'{i}.jpg')


def write_csv(path: Path, rows: list) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, 'w', newline='') as file:
        csv.writer(file, lineterminator='\n').writerows(rows)


# Layout -> reader, writer, the training part's list (or first annotation) and a training image.
LAYOUTS = {
    'RAF-DB': (RAFDB, rafdb, 'basic/EmoLabel/list_patition_label.txt',
               'basic/Image/aligned/train_00003_aligned.jpg'),
    'RAF-DB mirror': (RAFDB, rafdb_mirror, 'train_labels.csv', 'DATASET/train/5/train_00003_aligned.jpg'),
    'AffectNet classic': (AffectNet, affectnet, 'Manually_Annotated_file_lists/training.csv',
                          'Manually_Annotated_Images/3/train2.jpg'),
    'AffectNet npy': (AffectNet, affectnet_npy, 'train_set/annotations/2_exp.npy', 'train_set/images/2.jpg'),
    'AffectNet+': (AffectNet, affectnet_plus, 'human_annotated/train_set/annotations/2.json',
                   'human_annotated/train_set/images/2.jpg'),
    'FER2013 csv': (FER2013, fer2013, 'fer2013.csv', None),
    'FER2013 icml': (FER2013, fer2013_icml, 'icml_face_data.csv', None),
    'FER2013 folders': (FER2013, fer2013_folders, None, 'train/sad/2.png'),
    'FER+ csv': (FERPlus, ferplus, 'fer2013new.csv', None),
    'FER+ png': (FERPlus, ferplus_png, 'data/FER2013Train/label.csv', 'data/FER2013Train/fer0000002.png'),
    'class folders': (FERFolder, folder, None, 'train/02/2.jpg'),
}  # fmt: skip
