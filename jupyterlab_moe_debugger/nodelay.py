"""Small messages between a page and a kernel are sent at once.

A WebSocket of Jupyter Server waits for the acknowledgement of the last packet before it sends a small one
(Nagle's algorithm), and browsers delay that acknowledgement: a message that follows another takes more than
40 ms. Moving a slider of a panel sends exactly such messages.
"""


def send_without_delay(server_app):
    """Turn the wait off for kernel connections, unless another class was configured for them.

    It only saves time, so whatever a version of Jupyter Server does differently, nothing here may fail.
    """
    try:
        _replace_connection_class(server_app)
    except Exception as error:
        server_app.log.debug("MoE Debugger: kernel connections stay as they are: %s", error)


def _replace_connection_class(server_app):
    from jupyter_server.services.kernels.connection.channels import (
        ZMQChannelsWebsocketConnection,
    )

    if server_app.kernel_websocket_connection_class is not ZMQChannelsWebsocketConnection:
        return

    class NoDelayConnection(ZMQChannelsWebsocketConnection):
        """A kernel connection with TCP_NODELAY set."""

        def connect(self):
            try:
                self.websocket_handler.set_nodelay(True)
            except Exception as error:
                self.log.debug("MoE Debugger: TCP_NODELAY could not be set: %s", error)
            return super().connect()

    # The trait is what the server closes connections with; the setting is what makes new ones.
    server_app.kernel_websocket_connection_class = NoDelayConnection
    server_app.web_app.settings["kernel_websocket_connection_class"] = NoDelayConnection
