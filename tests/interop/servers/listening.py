"""A loopback port that the system chooses, and the server behind it."""

import socket

import uvicorn

listener = socket.create_server(("127.0.0.1", 0))
ORIGIN = "http://127.0.0.1:%d" % listener.getsockname()[1]


def serve(app):
    print("listening", listener.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
