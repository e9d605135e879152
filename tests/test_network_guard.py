"""The network is cut for tests, child processes and notebook kernels."""

import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

FETCH = "import urllib.request as u; u.urlopen('http://example.org')"
BY_NUMBER = "import socket; socket.create_connection(('192.0.2.1', 80))"


def test_look_ups_are_refused_here():
    with pytest.raises(ConnectionRefusedError, match="cut the network"):
        socket.getaddrinfo("example.org", 80)


def test_urllib_is_refused_here():
    with pytest.raises(urllib.error.URLError, match="cut the network"):
        urllib.request.urlopen("http://example.org")


@pytest.mark.parametrize("code", [FETCH, BY_NUMBER])
def test_child_processes_are_refused(code):
    child = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True
    )
    assert child.returncode != 0
    assert "cut the network" in child.stderr


def test_loopback_and_unix_sockets_work(tmp_path):
    for family, address in [
        (socket.AF_INET, ("127.0.0.1", 0)),
        (socket.AF_UNIX, str(tmp_path / "socket")),
    ]:
        with socket.socket(family) as server:
            server.bind(address)
            server.listen()
            with socket.socket(family) as client:
                client.connect(server.getsockname())


def test_kernels_inherit_the_cut():
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3")
    try:
        reply = client.execute_interactive(
            BY_NUMBER, timeout=60, output_hook=lambda message: None
        )
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert reply["content"]["ename"] == "ConnectionRefusedError"
    assert "cut the network" in reply["content"]["evalue"]
