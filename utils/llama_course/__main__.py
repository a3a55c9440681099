"""``python -m llama_course`` is the command ``llama-course``."""

import sys

from llama_course.cli import main

sys.exit(main())
