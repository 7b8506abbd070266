"""CURVE certificates where NetGear keeps them, made by pyzmq, and pyzmq's sockets secured by them."""

import pathlib
import shutil

import zmq
import zmq.auth
from zmq.auth.thread import ThreadAuthenticator


class Location:
    """A folder that holds .vidgear/keys."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.public = self.path / ".vidgear" / "keys" / "public_keys"
        self.private = self.path / ".vidgear" / "keys" / "private_keys"

    def make(self, *names):
        """Makes certificates with pyzmq, as NetGear does; others can't read the secret ones."""
        for folder in (self.public, self.private):
            folder.mkdir(parents=True, exist_ok=True)
        for name in names or ("client", "server"):
            zmq.auth.create_certificates(self.private, name)
            shutil.move(self.private / f"{name}.key", self.public / f"{name}.key")
            (self.private / f"{name}.key_secret").chmod(0o600)
        return self

    def knows(self, other, name, known_as=None):
        """Has another's public certificate here, too."""
        shutil.copy(other.public / f"{name}.key", self.public / f"{known_as or name}.key")
        return self

    def words(self, mode):
        """What makes the command use them."""
        return ["--secure-mode", mode, "--cert-location", self.path]


class Camera:
    """Secures a pyzmq sender."""

    def __init__(self, location):
        self._own = zmq.auth.load_certificate(location.private / "client.key_secret")
        self._viewer, _ = zmq.auth.load_certificate(location.public / "server.key")

    def start(self, context):
        pass

    def secure(self, made):
        made.curve_publickey, made.curve_secretkey = self._own
        made.curve_serverkey = self._viewer

    def stop(self):
        pass


class Viewer:
    """Secures a pyzmq receiver."""

    def __init__(self, location, mode):
        self._own = zmq.auth.load_certificate(location.private / "server.key_secret")
        self._known = zmq.auth.CURVE_ALLOW_ANY if mode == 1 else str(location.public)
        self._authenticator = None

    def start(self, context):
        self._authenticator = ThreadAuthenticator(context)
        self._authenticator.start()
        self._authenticator.configure_curve(domain="*", location=self._known)

    def secure(self, made):
        made.curve_publickey, made.curve_secretkey = self._own
        made.curve_server = True
        # The name that pyzmq's authenticator gives takes a place in libzmq's queue until a frame
        # has come: with one place none ever does.
        made.rcvhwm = 2

    def stop(self):
        self._authenticator.stop()
