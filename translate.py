#!/usr/bin/env python
"""Translate with a trained model and show its attention: `python translate.py --help`."""

from seq2seq.startup import prepare_environment, run_command
from seq2seq.translate_command import main

if __name__ == "__main__":
    prepare_environment()
    run_command(main)
