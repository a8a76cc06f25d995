"""``python -m stockops.proxy ORDER``: the process that `running.start` starts."""

import sys

from .serving import main

main(sys.argv[1])
