"""The rest of the models of other packages: see onnx_corpus_check.py."""
import onnx_corpus_check

if __name__ == "__main__":
    onnx_corpus_check.run(slow=True)
