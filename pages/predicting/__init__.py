"""The ways to predict: photos, an album, a video, the webcam."""
