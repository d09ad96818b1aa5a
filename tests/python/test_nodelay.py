"""Kernel connections get TCP_NODELAY, and nothing else about them changes."""

import logging
from types import SimpleNamespace

import jupyterlab_moe_debugger
import pytest
from jupyter_server.serverapp import ServerApp
from jupyter_server.services.kernels.connection.channels import (
    ZMQChannelsWebsocketConnection,
)
from jupyterlab_moe_debugger.nodelay import send_without_delay


def server_with(connection_class):
    return SimpleNamespace(
        kernel_websocket_connection_class=connection_class,
        web_app=SimpleNamespace(settings={"kernel_websocket_connection_class": connection_class}),
        log=logging.getLogger("test"),
    )


def connection_class_of(server):
    return server.web_app.settings["kernel_websocket_connection_class"]


@pytest.fixture
def connect(monkeypatch):
    """Connects as the server does; returns what the socket was told."""

    def connect(connection_class, set_nodelay):
        called = []
        monkeypatch.setattr(
            ZMQChannelsWebsocketConnection, "connect", lambda self: called.append("connect")
        )
        connection = connection_class.__new__(connection_class)
        object.__setattr__(connection, "_trait_values", {})
        handler = SimpleNamespace(set_nodelay=set_nodelay)
        monkeypatch.setattr(connection_class, "websocket_handler", handler, raising=False)
        connection_class.connect(connection)
        return called

    return connect


def test_the_default_connection_is_replaced_where_the_server_reads_it():
    server = server_with(ZMQChannelsWebsocketConnection)
    send_without_delay(server)
    replaced = connection_class_of(server)
    assert replaced is not ZMQChannelsWebsocketConnection
    assert issubclass(replaced, ZMQChannelsWebsocketConnection)
    assert server.kernel_websocket_connection_class is replaced


def test_a_connection_sets_nodelay_and_then_connects(connect):
    server = server_with(ZMQChannelsWebsocketConnection)
    send_without_delay(server)
    told = []
    assert connect(connection_class_of(server), told.append) == ["connect"]
    assert told == [True]


def test_a_socket_that_refuses_still_connects(connect):
    server = server_with(ZMQChannelsWebsocketConnection)
    send_without_delay(server)

    def refuse(value):
        raise OSError("closed")

    assert connect(connection_class_of(server), refuse) == ["connect"]


def test_a_class_that_was_configured_stays():
    class Configured(ZMQChannelsWebsocketConnection):
        pass

    server = server_with(Configured)
    send_without_delay(server)
    assert connection_class_of(server) is Configured


def test_a_server_that_knows_no_such_class_starts_all_the_same():
    jupyterlab_moe_debugger._load_jupyter_server_extension(
        SimpleNamespace(log=logging.getLogger("test"))
    )


def test_a_real_server_loads_the_extension_and_uses_the_class(tmp_path):
    server = ServerApp(
        root_dir=str(tmp_path),
        jpserver_extensions={"jupyterlab_moe_debugger": True},
        open_browser=False,
        allow_root=True,
        port=0,
    )
    server.initialize(argv=[], new_httpserver=False)
    try:
        connection = connection_class_of(server)
        assert connection.__name__ == "NoDelayConnection"
        assert issubclass(connection, ZMQChannelsWebsocketConnection)
    finally:
        ServerApp.clear_instance()
