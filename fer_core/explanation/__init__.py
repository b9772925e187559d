"""Explanations of a model's answer: where it looks (Grad-CAM, occlusion) and similar training faces."""
