"""DACL in plain PyTorch, written anew from its published description: what speed is compared with.

    python dacl_mm/benchmarks/plain_loop.py DATA_DIR --epochs 1 --batch-size 32 --out DIR

Stands for the authors' script: ``ImageFolder`` and PIL, four loader processes, their recipe and order of
operations, the losses read by ``.item()`` and predictions collected at every iteration, metrics of the test
part after every epoch, and the whole state saved as the last and, copied, as the best. Where the description
leaves something open the quicker way is taken: only the classifier is evaluated on the test part. DATA_DIR
holds class folders under ``train`` and ``test`` (or ``valid``). Called by its path, the file imports nothing
of dacl_mm.

Reference: Farzaneh & Qi, WACV 2021.
"""

import argparse
import random
import shutil
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchvision
from PIL import Image
from sklearn.metrics import average_precision_score, f1_score, recall_score, roc_auc_score
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

MEAN, STD = (0.5752, 0.4495, 0.4012), (0.2086, 0.1911, 0.1827)  # of [0, 1] pixels, RGB
WIDTH = 512  # d, of ResNet-18's embedding
DEVICE = torch.device('cuda' if torch.cuda.is_available() else 'cpu')


class DACL(nn.Module):
    """ResNet-18 with a linear classifier and the attention network, for images of one size in pixels."""

    def __init__(self, num_classes: int, size: int = 224):
        super().__init__()
        resnet = torchvision.models.resnet18()
        self.backbone = nn.Sequential(*list(resnet.children())[:-2])
        self.fc = nn.Linear(WIDTH, num_classes)
        side = -(-size // 32)
        self.attention = nn.Sequential(
            *(nn.Linear(WIDTH * side * side, 3584), nn.BatchNorm1d(3584), nn.ReLU(inplace=True)),
            *(nn.Linear(3584, 512), nn.BatchNorm1d(512), nn.ReLU(inplace=True)),
            *(nn.Linear(512, 64), nn.BatchNorm1d(64), nn.Tanh()),
            nn.Linear(64, 2 * WIDTH),
        )
        for layer in self.attention:
            if isinstance(layer, nn.Linear):
                nn.init.kaiming_normal_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map (N, 3, H, W) to embedding (N, d), logits (N, K) and attention (N, d)."""
        feature_map = self.backbone(images)
        embedding = feature_map.mean((2, 3))
        pairs = self.attention(feature_map.flatten(1)).view(-1, WIDTH, 2)
        return embedding, self.fc(embedding), pairs.softmax(2)[:, :, 1]

    def classify(self, images: Tensor) -> Tensor:
        """Map (N, 3, H, W) to logits (N, K)."""
        logits: Tensor = self.fc(self.backbone(images).mean((2, 3)))
        return logits


class SparseCenter(torch.autograd.Function):
    """Lc = 1 / (2 N) sum A (x - c_y)^2, whose "gradient" of the centres is their published step."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, attention: Tensor, centers: Tensor, target: Tensor) -> Tensor:
        gap = x - centers[target]  # (N, d)
        ctx.save_for_backward(gap, attention, target)
        ctx.num_classes = len(centers)
        return (attention * gap.pow(2)).sum() / 2 / len(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        gap, attention, target = ctx.saved_tensors
        weighted = attention * gap
        index = target[:, None].expand_as(gap)
        moves = gap.new_zeros(ctx.num_classes, gap.shape[1]).scatter_add_(0, index, -weighted)
        counts = gap.new_ones(ctx.num_classes).scatter_add_(0, target, gap.new_ones(len(target)))  # 1 + n_k
        (grad,) = grads
        by_attention = grad * gap.pow(2) / (2 * len(gap))
        return grad * weighted / len(gap), by_attention, moves / counts[:, None], None


class Training:
    """Model, centres, and their two optimizers."""

    def __init__(
        self, num_classes: int, size: int = 224, lr: float = 0.01, lamb: float = 0.01, alpha: float = 0.5
    ):
        torch.backends.cudnn.benchmark = True
        self.model = DACL(num_classes, size).to(DEVICE)
        self.centers = nn.Parameter(torch.randn(num_classes, WIDTH, device=DEVICE) * (2 / num_classes) ** 0.5)
        self.lamb = lamb
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr, momentum=0.9, weight_decay=5e-4)
        self.center_optimizer = torch.optim.SGD([self.centers], alpha)
        self.scheduler = torch.optim.lr_scheduler.StepLR(self.optimizer, step_size=20, gamma=0.1)
        self.seen: dict[str, list[Any]] = defaultdict(list)  # of the running epoch
        self.best = -1.0

    def losses(self, images: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map images (N, 3, H, W) and classes (N,) to softmax loss, centre loss and logits (N, K)."""
        embedding, logits, attention = self.model(images)
        loss_center = SparseCenter.apply(embedding, attention, self.centers, target)
        return nn.functional.cross_entropy(logits, target), loss_center, logits

    def step(self, images: Tensor, target: Tensor) -> None:
        """Train on a batch, images (N, 3, H, W) and classes (N,), and note how it went."""
        images, target = images.to(DEVICE), target.to(DEVICE)
        loss_softmax, loss_center, logits = self.losses(images, target)
        loss = loss_softmax + self.lamb * loss_center
        for name, value in (('softmax', loss_softmax), ('center', loss_center), ('total', loss)):
            self.seen[name].append(value.item())
        self.seen['true'].extend(target.tolist())
        self.seen['predicted'].extend(logits.argmax(1).tolist())
        self.optimizer.zero_grad()
        self.center_optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call, unused-ignore]
        self.optimizer.step()
        self.center_optimizer.step()

    def train_epoch(self, loader: DataLoader[Any]) -> dict[str, float]:
        """Train on every batch; return mean losses and accuracy."""
        self.model.train()
        self.seen.clear()
        for images, target in loader:
            self.step(images, target)
        self.scheduler.step()
        losses = {name: float(np.mean(self.seen[name])) for name in ('softmax', 'center', 'total')}
        return losses | dict(accuracy=float(np.mean(np.equal(self.seen['true'], self.seen['predicted']))))

    @torch.no_grad()
    def evaluate(self, loader: DataLoader[Any]) -> dict[str, float]:
        """Return the published metrics."""
        self.model.eval()
        true, scores = [], []
        for images, target in loader:
            true += target.tolist()
            scores += self.model.classify(images.to(DEVICE)).softmax(1).tolist()
        rows, predicted = np.array(scores), np.argmax(scores, 1)
        one_hot = np.eye(rows.shape[1])[true]
        return dict(
            accuracy=float(np.mean(predicted == true)),
            recall=recall_score(true, predicted, average='macro', zero_division=0),
            f1=f1_score(true, predicted, average='macro', zero_division=0),
            auc_pr=average_precision_score(one_hot, rows, average='macro'),
            auc_roc=roc_auc_score(one_hot, rows, average='macro'),
        )

    def save(self, folder: Path, epoch: int, accuracy: float) -> None:
        """Write the whole state as ``last.pth``, and copy it where its accuracy is the best."""
        parts = ('model', 'optimizer', 'center_optimizer', 'scheduler')
        state: dict[str, Any] = {name: getattr(self, name).state_dict() for name in parts}
        torch.save(state | dict(epoch=epoch, centers=self.centers), folder / 'last.pth')
        if accuracy > self.best:
            self.best = accuracy
            shutil.copyfile(folder / 'last.pth', folder / 'best.pth')


def random_crop(crops: Sequence[Image.Image]) -> Image.Image:
    """Choose one of five crops."""
    return random.choice(crops)


def loaders(
    data: Path, batch_size: int, size: int = 224, workers: int = 4, **options: Any
) -> tuple[DataLoader[Any], DataLoader[Any]]:
    """Return the loaders of training and test part; ``options`` are further ones of ``DataLoader``."""
    resize = transforms.Resize(round(size * 256 / 224))
    crop = (transforms.FiveCrop(size), transforms.Lambda(random_crop), transforms.RandomHorizontalFlip())
    last = (transforms.ToTensor(), transforms.Normalize(MEAN, STD))
    train = ImageFolder(str(data / 'train'), transforms.Compose([resize, *crop, *last]))
    part = 'test' if (data / 'test').is_dir() else 'valid'
    test = ImageFolder(str(data / part), transforms.Compose([resize, transforms.CenterCrop(size), *last]))
    common = dict(num_workers=workers, pin_memory=DEVICE.type == 'cuda', **options)
    return (
        DataLoader(train, batch_size, shuffle=True, drop_last=True, **common),
        DataLoader(test, batch_size, **common),
    )


def main() -> None:
    """Train, evaluate and save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('data', type=Path)
    parser.add_argument('--out', type=Path, required=True)
    parser.add_argument('--epochs', type=int, default=60)
    parser.add_argument('--batch-size', type=int, default=64)
    parser.add_argument('--size', type=int, default=224, help='side of the crops in pixels')
    parser.add_argument('--workers', type=int, default=4)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    train, test = loaders(args.data, args.batch_size, args.size, args.workers)
    training = Training(len(train.dataset.classes), args.size)  # type: ignore[attr-defined]
    for epoch in range(1, args.epochs + 1):
        print(epoch, 'train', training.train_epoch(train))
        metrics = training.evaluate(test)
        print(epoch, 'test', metrics)
        training.save(args.out, epoch, metrics['accuracy'])


if __name__ == '__main__':
    main()
