"""What the system tests stand on: processes, an OpenSSH server, a NetGear peer, footage, a screen.

Everything here starts real programs and waits for what they say; nothing sleeps to be on the safe
side, nothing uses a fixed port, and whatever was started is ended by its process id.
"""
