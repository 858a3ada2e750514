"""Jobs and their steps: claimed under a lease, written under a fence, never stepping back."""
