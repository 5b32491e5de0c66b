"""The rules for the manifests in k8s/ and overlays/; scripts/check_manifests.py runs them."""
