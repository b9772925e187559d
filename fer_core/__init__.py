"""FER Explorer's core: data, models, training, evaluation and prediction for facial expression recognition.

Importing it is light: neither TensorFlow nor Streamlit is imported here.
"""

__version__ = "0.1.0"
