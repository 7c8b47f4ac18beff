"""A second verifier of dossiers, written from spec/ alone."""
