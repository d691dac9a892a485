"""Models of other packages, a few of each, train as in PyTorch: see onnx_corpus_check.py."""
import onnx_corpus_check

if __name__ == "__main__":
    onnx_corpus_check.run(slow=False)
