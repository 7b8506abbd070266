"""`sightline keys`: certificates are made, listed and handed out."""

import json
import stat
import subprocess

import zmq.auth


def said(process, code=0):
    process.expect(code)
    return process.stdout.read().decode()


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_makes_private_files_that_pyzmq_reads(home, plain):
    keys = home / ".vidgear" / "keys"
    made = plain("keys", "make")
    made.expect(0)
    for word in ("client.key_secret", "server.key_secret", "export camera", "export viewer"):
        assert word in made.stderr
    assert sorted(path.name for path in (keys / "private_keys").iterdir()) == [
        "client.key_secret", "server.key_secret"
    ]  # fmt: skip
    for name in ("client", "server"):
        secret = keys / "private_keys" / f"{name}.key_secret"
        assert mode_of(secret) == 0o600
        public, private = zmq.auth.load_certificate(secret)
        assert zmq.curve_public(private) == public
        assert zmq.auth.load_certificate(keys / "public_keys" / f"{name}.key") == (public, None)
    assert {mode_of(path) for path in (keys, *keys.iterdir())} == {0o700}


def test_keeps_what_is_there(home, plain):
    plain("keys", "make", "camera").expect(0)
    secret = home / ".vidgear" / "keys" / "private_keys" / "client.key_secret"
    before = secret.read_bytes()
    plain("keys", "make").expect(2).sentence(secret)
    assert secret.read_bytes() == before
    assert not secret.with_name("server.key_secret").exists()
    silent = plain("keys", "make", "camera", "--overwrite", "--log", "error")
    silent.expect(0)
    assert silent.stderr == ""
    assert secret.read_bytes() != before


def test_lists(home, plain):
    assert said(plain("keys", "list", stdout=subprocess.PIPE)) == ""
    plain("keys", "make", "viewer").expect(0)
    (home / ".vidgear" / "keys" / "private_keys" / "server.key_secret").chmod(0o640)
    listed = json.loads(said(plain("keys", "list", "--json", stdout=subprocess.PIPE)))
    assert listed["folder"] == str(home / ".vidgear" / "keys")
    public, secret = listed["keys"]
    assert (public["secret"], secret["secret"]) == (False, True)
    assert public["problem"] is None and len(public["public_key"]) == 40
    assert "chmod 600" in secret["problem"] and secret["public_key"] is None
    lines = said(plain("keys", "list", stdout=subprocess.PIPE))
    assert public["public_key"] in lines and "chmod 600" in lines


def test_hands_out_the_public_part_alone(folder, plain):
    plain("keys", "make", "--cert-location", folder).expect(0)
    words = ["keys", "export", "viewer", "--cert-location", folder]
    text = said(plain(*words, stdout=subprocess.PIPE))
    public, private = zmq.auth.load_certificate(
        folder / ".vidgear" / "keys" / "private_keys" / "server.key_secret"
    )
    assert public.decode() in text and private.decode() not in text


def test_refuses_what_makes_no_sense(folder, plain):
    for words in ([], ["eat"], ["make", "both"], ["export"], ["list", "camera"]):
        plain("keys", *words).expect(2).sentence("sightline help keys")
    plain("keys", "lst").expect(2).sentence("mean list?")
    plain("keys", "export", "veiwer").expect(2).sentence("mean viewer?")
    plain("keys", "make", "camera", "viewer").expect(2).sentence("too many")
    plain("keys", "list", "--cert-location", folder / "none").expect(2).sentence("no folder")
    plain("keys", "export", "camera", "--cert-location", folder).expect(2).sentence("keys make")
