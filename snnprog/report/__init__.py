"""What people see of a program: tables for the terminal, pictures for everything else."""
