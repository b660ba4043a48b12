"""What cannot be done is said in a sentence, with an exit code, and never as a traceback."""

import json
import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.cli.conftest import environment, free_port
from tests.cli.forking import Forking, Ran

Run = Callable[..., Ran]


@pytest.fixture
def alone(forking: Forking, tmp_path: Path) -> Run:
    """Run a command where no server is."""

    def run(*arguments: str, **variables: str) -> Ran:
        return forking.run(
            arguments, environment(tmp_path / "data", RECOLLECT_PORT=str(free_port())) | variables, timeout_s=60
        )

    return run


@pytest.fixture(scope="module")
def stranger() -> Iterator[str]:
    """Something that answers HTTP and is not Recollect."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(404)
            self.end_headers()
            self.wfile.write(b"<html>nothing here</html>")

        def do_POST(self) -> None:
            """Agree to anything, and say one event of it."""
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'event: ca3_progress\ndata: {"energy": 0, "change": 0, "iteration": 0, ')
            self.wfile.write(b'"max_iterations": 1, "converged": false}\n\n')

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = HTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_no_server_is_code_3_with_the_way_to_start_one(alone: Run) -> None:
    done = alone("status")
    assert done.code == 3
    assert "recollect serve" in done.err


def test_a_stranger_is_recognised(alone: Run, stranger: str) -> None:
    done = alone("status", "--url", stranger)
    assert done.code == 1
    assert "does not look like a Recollect server" in done.err


def test_a_stream_without_an_end_is_code_3_and_no_answer(alone: Run, stranger: str) -> None:
    done = alone("complete", "what=breakfast", "--watch", "--url", stranger)
    assert done.code == 3
    assert "broke off" in done.err
    assert "confidence" not in done.out


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the certificate")
def test_a_certificate_that_nobody_vouches_for_is_refused(alone: Run, tmp_path: Path) -> None:
    secret, certificate = tmp_path / "secret.pem", tmp_path / "certificate.pem"
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost"]
    subprocess.run(
        ["openssl", "req", *kind, "-keyout", str(secret), "-out", str(certificate)], capture_output=True, check=True
    )
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, secret)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    done = alone("status", "--url", f"https://localhost:{server.server_port}")
    server.shutdown()
    server.server_close()
    assert done.code == 3
    assert "certificate" in done.err.lower()


def test_failures_are_json_when_asked_for(alone: Run) -> None:
    done = alone("status", "--json")
    assert done.code == 3
    assert "title" in json.loads(done.out)


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://127.0.0.1", "http://", "http://[::1"])
def test_an_address_that_cannot_be_used_is_said_so(alone: Run, url: str) -> None:
    assert alone("status", "--url", url).code in {2, 3}


@pytest.mark.parametrize(
    "arguments",
    [["complete", "breakfast"], ["import", "absent.csv", "-s", "x"], ["nonsense"], ["complete", "--threshold", "2"]],
)
def test_wrong_usage_is_code_2(alone: Run, arguments: list[str]) -> None:
    assert alone(*arguments).code == 2


def test_a_port_in_use_is_said_so_before_anything_is_made(alone: Run, stranger: str, tmp_path: Path) -> None:
    done = alone("serve", "--port", stranger.rpartition(":")[2], "--data", str(tmp_path / "unmade"))
    assert done.code == 2
    assert "HTTP port cannot be used" in done.err
    assert not (tmp_path / "unmade").exists()


def test_a_bad_setting_is_named(alone: Run) -> None:
    done = alone("serve", RECOLLECT_PORT="eighty")
    assert done.code == 2
    assert "RECOLLECT_PORT" in done.err


def test_a_file_that_is_not_there_is_refused_before_anything_is_sent(alone: Run, tmp_path: Path) -> None:
    done = alone("import", str(tmp_path / "nowhere.jsonl"), "--space", "x")
    assert done.code == 2
    assert "nowhere.jsonl" in done.err


def test_a_public_address_without_keys_is_refused(alone: Run) -> None:
    done = alone("serve", RECOLLECT_HOST="0.0.0.0", RECOLLECT_GRPC_PORT="0")
    assert done.code == 2
    assert "keys create" in done.err


def test_the_version_and_help_need_nothing(alone: Run) -> None:
    assert alone("--version").out.startswith("recollect ")
    assert alone("--help").code == 0
