"""The file formats of a network's weights, a module each, and the conversion between them.

Importing the package imports every module here, which registers its formats.
"""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__, f"{__name__}."):
    import_module(_module.name)
