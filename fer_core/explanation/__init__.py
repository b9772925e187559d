"""Why a model says what it says of a face: where it looks (Grad-CAM, occlusion) and which training faces it finds alike."""
