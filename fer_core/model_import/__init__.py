"""Import of models that were trained elsewhere: Keras, SavedModel, LiteRT and ONNX files become bundles.

`process` starts `worker` in a process of its own, which opens the file (`formats`), tries how it takes its
input and orders its classes (`tries`), and writes the bundle (`write`).
"""
