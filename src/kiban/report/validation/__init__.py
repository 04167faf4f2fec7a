"""Model calls behind the scoreboard, one file per room."""
