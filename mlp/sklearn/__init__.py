"""The network as scikit-learn has it: estimators for pipelines, searches and notebooks."""

from importlib.util import find_spec

from mlp.common.version import install_command

if find_spec("sklearn") is None:
    raise ModuleNotFoundError(
        f"mlp.sklearn needs scikit-learn, which is not installed: {install_command('sklearn')}"
    )

from mlp.sklearn.classifier import MLPClassifier
from mlp.sklearn.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
