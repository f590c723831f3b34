#!/usr/bin/env python
"""Look inside a trained model in the browser: `python serve.py --help`."""

from seq2seq.serve_command import main
from seq2seq.startup import prepare_environment, run_command

if __name__ == "__main__":
    prepare_environment()
    run_command(main)
