"""The dashboard: pages that the server writes, which work without scripts and live with them."""
