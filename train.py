"""Train a model from the command line: python train.py --help"""

from seq2seq.startup import prepare_environment, run_command
from seq2seq.train_command import main

if __name__ == "__main__":
    prepare_environment()
    run_command(main)
