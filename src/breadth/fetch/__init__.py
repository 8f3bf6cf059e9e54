"""Bring published files here: from Zenodo, the Hugging Face Hub, Google Drive or any https address, resumable and checked."""
