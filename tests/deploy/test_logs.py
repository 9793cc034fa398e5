"""What long-running processes write: one plain line a record, Flower's and its web server's included."""

import re
import subprocess
import sys

LOGGED = """
import logging
from deploy.flower_words import HOSPITAL, FlowerWords
from deploy.logs import log_flower, log_to_stderr
log_to_stderr()
import flwr.supernode.cli.flower_supernode
from flwr.supercore.logger import log
log_flower(FlowerWords(HOSPITAL))
"""


def logged(code: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", LOGGED + code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not done.stdout
    return done.stderr.splitlines()


def texts(lines: list[str]) -> list[str]:
    for line in lines:
        assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \S+ (INFO|WARNING|ERROR) ", line), line
    return [line.split(" ", 4)[4] for line in lines]


def test_a_message_is_one_line_without_control_characters_and_not_endless():
    lines = logged("logging.getLogger('pneumofed').error('a\\x1b[31m\\nb' + 'c' * 5000)")
    (text,) = texts(lines)
    assert text.startswith(r"a\x1b[31m b") and len(text) < 400


def test_an_exception_is_told_by_type_and_places_without_its_text():
    lines = logged(
        "def f(): raise ValueError('Doe^Jane')\n"
        "try: f()\nexcept ValueError: logging.getLogger('pneumofed').exception('failed')"
    )
    (text,) = texts(lines)
    assert re.fullmatch(r"failed: ValueError in __main__ \d+, __main__ \d+", text)


def test_flower_is_heard_in_words_once_and_without_colours():
    lines = logged(
        "log(20, 'Starting Flower SuperNode')\n"
        "log(30, 'Connection attempt failed, retrying in 0.9 seconds')\n"
        "log(30, 'Connection attempt failed, retrying in 1.9 seconds')\n"
    )
    assert texts(lines) == ["the coordinator does not answer; trying again until it does"]


def test_flowers_web_server_says_nothing_but_warnings():
    lines = logged(
        "import uvicorn\n"
        "config = uvicorn.Config(app=None)\n"
        "logging.getLogger('uvicorn.error').info('Started server process')\n"
        "logging.getLogger('uvicorn.access').info('GET /')\n"
        "logging.getLogger('uvicorn.error').warning('odd')\n"
        "logging.getLogger('httpx').info('HTTP Request')\n"
    )
    assert texts(lines) == ["odd"]


def test_superlinks_web_server_too():
    lines = logged(
        "import sys, flwr.superlink.cli.flower_superlink\n"
        "superlink = sys.modules['flwr.superlink.cli.flower_superlink']\n"
        "log_flower(FlowerWords(HOSPITAL))\n"
        "import uvicorn\n"
        "uvicorn.Config(app=None, log_config=superlink.get_uvicorn_log_config(20))\n"
        "logging.getLogger('uvicorn.access').info('POST /')\n"
        "logging.getLogger('uvicorn.error').error('odd')\n"
    )
    assert texts(lines) == ["odd"]
