"""What one principal may do with the program, a module for each subject; see ``app.service``."""
