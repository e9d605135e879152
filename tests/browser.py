"""A real JupyterLab and a real browser for tests, and no network.

The browser is Debian's chromium (or google-chrome), driven by Playwright.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LAB_FLAGS = [
    "--allow-root",
    "--no-browser",
    "--ip=127.0.0.1",
    "--IdentityProvider.token=",
    "--LabApp.expose_app_in_browser=True",
]
NEWS = "@jupyterlab/apputils-extension/notification.jupyterlab-settings"
HINT = "no chromium found; on Debian or Ubuntu: apt-get install chromium"
IDLE = (
    "window.jupyterapp?.shell?.currentWidget?.sessionContext"
    "?.session?.kernel?.status == 'idle'"
)
ERRORS = """() => {
  const cells = jupyterapp.shell.currentWidget.model.cells;
  const found = [];
  for (const cell of cells) {
    for (const output of cell.toJSON().outputs ?? []) {
      if (output.output_type === "error") {
        found.push(`${output.ename}: ${output.evalue}`);
      }
    }
  }
  return found;
}"""


def find_browser():
    """Return the path of chromium or google-chrome, or None."""
    return shutil.which("chromium") or shutil.which("google-chrome")


def browser_is_required():
    """In CI a missing browser is a failure, elsewhere a skip."""
    return (
        os.environ.get("CI", "").lower() == "true"
        or os.environ.get("COURSE_BROWSER") == "require"
    )


@contextmanager
def open_browser():
    """Yield a running browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_browser(), args=FLAGS
        )
        yield browser
        browser.close()


@contextmanager
def open_page(browser, scripts=True):
    """Yield (page, refused): a fresh profile that reaches only this machine.

    Every request to another host is aborted and its address kept in the
    list `refused`.
    """
    refused = []

    def gate(route):
        if route.request.url.startswith(
            ("http://127.0.0.1", "file:", "data:", "blob:")
        ):
            route.continue_()
        else:
            refused.append(route.request.url)
            route.abort()

    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, java_script_enabled=scripts
    )
    context.route("**/*", gate)
    yield context.new_page(), refused
    context.close()


@contextmanager
def run_jupyterlab(folder):
    """Yield the address of a JupyterLab that serves folder/notebooks."""
    notebooks = folder / "notebooks"
    notebooks.mkdir(exist_ok=True)
    port = _free_port()
    with open(folder / "server.log", "w") as log:
        server = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "jupyterlab",
                *LAB_FLAGS,
                f"--port={port}",
                f"--ServerApp.root_dir={notebooks}",
            ],
            env=_environment(folder),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(server, address, folder / "server.log")
        yield address
    finally:
        server.terminate()  # the server ends its kernels
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _environment(folder):
    """Every folder that Jupyter or the course writes to lies in `folder`."""
    settings = folder / "settings"
    (settings / NEWS).parent.mkdir(parents=True, exist_ok=True)
    (settings / NEWS).write_text(
        json.dumps({"fetchNews": "false", "checkForUpdates": False})
    )
    folders = {
        "JUPYTER_CONFIG_DIR": folder / "config",
        "JUPYTER_DATA_DIR": folder / "data",
        "JUPYTER_RUNTIME_DIR": folder / "runtime",
        "JUPYTERLAB_SETTINGS_DIR": settings,
        "JUPYTERLAB_WORKSPACES_DIR": folder / "workspaces",
        "IPYTHONDIR": folder / "ipython",
        "COURSE_HOME": folder / "course",
    }
    paths = {name: str(path) for name, path in folders.items()}
    return {**os.environ, **paths, "PYTHONPATH": str(ROOT)}


def _wait_for(server, address, log, seconds=60):
    """Return when the server answers; raise with its log if it will not."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/api", timeout=2).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()}")


def open_notebook(page, address, name):
    """Open a notebook in JupyterLab and wait for its kernel."""
    page.goto(f"{address}/lab/tree/{name}?reset")
    page.wait_for_function(IDLE, timeout=60_000)


def save_and_stop_kernels(page):
    """Save the open notebook, end every kernel, leave JupyterLab."""
    page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
    page.evaluate("() => jupyterapp.serviceManager.sessions.shutdownAll()")
    page.goto("about:blank")


def run_notebook(page, address, name, seconds=300):
    """Open a notebook in JupyterLab, run all its cells, return its errors."""
    open_notebook(page, address, name)
    page.evaluate(
        "() => { window.ran = false; jupyterapp.commands"
        ".execute('notebook:run-all-cells').then(() => window.ran = true); }"
    )
    page.wait_for_function("window.ran", timeout=seconds * 1000)
    page.wait_for_function(IDLE, timeout=60_000)
    return page.evaluate(ERRORS)
