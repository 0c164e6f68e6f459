"""Looking at a run: its lines, families and figures. Makes no call and changes nothing."""
