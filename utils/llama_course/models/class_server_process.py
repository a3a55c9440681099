"""The process of a class server: llama.cpp until its parent closes the pipe, or ends.

Run by :mod:`llama_course.models.class_server`, which writes the settings as one line of JSON.
"""

import json
import os
import signal
import sys

READY, OUTDATED = "ready", "outdated"


def main() -> None:
    """Serve, and end at once when nobody holds the other end of standard input any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent as well, which decides
    settings = json.loads(sys.stdin.readline())
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # whatever llama.cpp prints would fill the pipe and stop it
    import xllamacpp

    params = xllamacpp.CommonParams()
    try:
        if missing := [name for name in settings if "." not in name and not hasattr(params, name)]:
            print(OUTDATED, *missing, file=answer, flush=True)  # to leave one out could open the server to others
            os._exit(1)
        _fill(params, settings)
        server = xllamacpp.Server(params)
        server.handle_completions({"prompt": [0], "max_tokens": 1})  # its loop starts in the background: wait for it
        print(READY, file=answer, flush=True)
        sys.stdin.read()
    finally:
        os._exit(0)  # at once: a server that is let go waits for all who stand in line


def _fill(params, settings: dict) -> None:
    for name, value in settings.items():
        *parts, last = name.split(".")
        holder = params
        for part in parts:
            holder = getattr(holder, part)
        setattr(holder, last, set(value) if name == "model_alias" else value)


if __name__ == "__main__":
    main()
