"""Build hook: the dependencies of the wheel are those of the requirements files."""

from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface


class RequirementsHook(MetadataHookInterface):
    """Read dependencies and extras from requirements.txt and requirements-scale, -onnx and -dev.txt."""

    def update(self, metadata: dict) -> None:
        """Set the fields that pyproject.toml names as dynamic."""
        scale, onnx = self._read("requirements-scale.txt"), self._read("requirements-onnx.txt")
        metadata["dependencies"] = self._read("requirements.txt")
        metadata["optional-dependencies"] = {
            "scale": scale,
            "onnx": onnx,
            "dev": scale + onnx + self._read("requirements-dev.txt"),
        }

    def _read(self, name: str) -> list[str]:
        lines = Path(self.root, name).read_text(encoding="utf-8").splitlines()
        requirements = [line.partition("#")[0].strip() for line in lines]
        return [line for line in requirements if line and not line.startswith("-r")]
