"""What events like the cue's go with: in closed form at once, and by heads that consolidation learns."""
