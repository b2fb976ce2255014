from gevent import monkey  # isort: skip

monkey.patch_all()

import os

from hypothesis import settings

# The same examples in every run, so that what passed once passes again. Others: HYPOTHESIS_PROFILE=default.
settings.register_profile("steady", derandomize=True, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))
