"""`python -m whalefall.demo`: the demo, without reading the user's settings on the way."""

import sys

from whalefall.demo import home

home.enter(sys.argv[1:])
