from gevent import monkey  # isort: skip

monkey.patch_all()
