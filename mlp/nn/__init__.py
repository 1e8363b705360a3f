"""The mathematics: layers, losses, gradients and updates, written once against a namespace `xp`.

Importing the package imports every module here, which registers what can be chosen by name.
"""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__, f"{__name__}."):
    import_module(_module.name)
