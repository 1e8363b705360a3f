"""The files that images and labels come in, a module each, and what finds and converts them.

Every module here is imported with the package, so that its formats are known.
"""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__, f"{__name__}."):
    import_module(_module.name)
