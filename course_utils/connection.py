"""How Jupyter's server sends the kernel's messages to the browser: each at once."""

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection


class PromptConnection(ZMQChannelsWebsocketConnection):
    """The server's own connection without Nagle's algorithm.

    With it, a small message waits until the one before is acknowledged, which takes some 30 ms:
    the picture under a slider would come that much later.
    """

    def connect(self):
        self.websocket_handler.set_nodelay(True)
        return super().connect()
